"""Common given names: data, written by hand.

Behind "no show" a name in lower case is told from a reason by them ("noshow kim", "noshow flu"). What is a name and
what is none otherwise, `names` says. Lower case.
"""

from __future__ import annotations

_GIVEN = """
    aaliyah aaron abby abdul abigail adam adele adrian agnes ahmed aidan aisha al alan albert alejandro alex
    alexander alexandra ali alice alicia alison allison amanda amber amelia amina amir amy an ana andre andrea
    andrew angel angela anita anjali ann anna anne anthony antonio april aria ariel arjun art arthur arun asha asher
    ashley aubrey audrey august austin autumn ava avery ayesha barbara beatrice bella ben benjamin bernard beth bill
    blake bob bonnie brad brandon brenda brian brianna brooke bruce bryan caitlin caleb cameron can carl carlos
    carmen carol caroline carter catherine celeste chad chan chance charity charles charlie charlotte chase chelsea
    chen cheryl chloe chris christian christina christopher claire clara clay cliff cody colin connor constance cora
    corey courtney craig crystal cynthia daisy dakota dale dallas dan dana daniel daphne david dawn dean deborah dee
    denise dennis derek destiny diana diego dominic donald donna dora doris dorothy doug drew dylan earl easter ed
    eden edith eduardo edward eleanor elena eli elias elijah elise elizabeth ella ellen elsa else emily emma eric
    erin esther ethan eva evan eve evelyn ezra faith farah fatima felix fern fernando fiona flora florence ford
    frances francis frank fred gabriel gail gary gavin gene george georgia gerald gina glen gloria gordon grace
    graham grant greg guy hailey hana hannah harmony harold harper harry hassan hazel heath heather heaven hector
    helen henry holly honor hope howard hugh hugo hunter hussein ian ibrahim ida imani india ines ingrid irene iris
    isaac isabel isla ivan ivy jack jackson jacob jade jaden jake jamal james jan jane janet january jared jasmine
    jason javier jay jean jeff jennifer jeremy jerome jesse jessica jesus jill jim jo joan joe joel john jon jonah
    jordan jorge jose joseph josh joshua joy joyce juan judith judy julia julian julie june justice justin kai karen
    karim kate kay keisha keith kelly ken kendra kerry kevin kim kofi krishna kwame kyle lane lara laura lauren le
    leah lee leila leo leon leslie levi liam lily lin linda lisa liz logan lola lorna louis louise luca lucas lucia
    lucy luis luke luna lydia lynn mackenzie made madeline madison malik manuel marc marco marcus margaret maria
    marie marina mario marisol mark martha martin mary mason matt matthew maureen max maxine may maya megan mei
    melissa mercedes mercy meredith mia michael michelle miguel miles min mina mine ming miriam mohamed moira molly
    monica morgan moses muhammad nadia nancy naomi natalie nathan neil nelson nicholas nick nicole nina noah noel
    noor nor nora oliver olivia omar oscar owen paige pamela pat patience patricia patrick paul pauline pearl penny
    per peter phil philip phoebe phoenix piper poppy precious prince priya quentin quinn rachel rafael rain raj
    rajesh ralph ramon randy ravi ray raymond rebecca reed reese regina rex rich richard ricky riley rita river rob
    robert robin rocky rod roger ronald rory rosa rose ross rowan roy ruby rudy rufus russell ruth ryan sadie said
    sally salma sam samantha samir samuel sandra sandy sara sarah sasha saul savannah scott sean sebastian serena
    seth shannon sharon shawn sheila shelby sherry sierra simon sky skye sofia sonia sophia spencer stacey star
    stella stephanie stephen steve stuart su sue sullivan summer sunny susan suzanne sylvia tal tanya tara tariq
    tatiana taylor ted terence teresa terry theo theresa thomas thu till tim tina to toby todd tom tony tracy tram
    travis trent trevor trinity trish tristan troy tyler uma usha val valerie van vanessa vera vernon veronica
    victor victoria vincent viola violet virginia vivian wade walter wanda warren wayne wendy wesley will willa
    william willow winston winter woody xavier yasmin yen yolanda yuki yusuf yvonne zach zachary zahra zane zara zoe
"""

GIVEN_NAMES = frozenset(_GIVEN.split())
